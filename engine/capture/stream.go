package capture

import (
	"context"
	"errors"
	"io"
	"sync"

	"lifeboat/engine/store"
)

// stream writes one of the catalog's files line by line, from any goroutine.
type stream[T any] struct {
	mu    sync.Mutex
	file  io.WriteCloser
	lines *store.LineWriter[T]
}

func openStream[T any](ctx context.Context, c *store.Capture, path string) (*stream[T], error) {
	f, err := c.Create(ctx, path)
	if err != nil {
		return nil, err
	}
	return &stream[T]{file: f, lines: store.NewLineWriter[T](f)}, nil
}

func (s *stream[T]) put(v T) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.lines.Write(v)
}

// Close may be called twice.
func (s *stream[T]) Close() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.file == nil {
		return nil
	}
	err := errors.Join(s.lines.Flush(), s.file.Close())
	s.file = nil
	return err
}

// pipeline applies a function to objects on a few goroutines and delivers the
// results in the order in which the objects were put.
type pipeline struct {
	ctx   context.Context
	work  func(object) prepared
	queue chan chan prepared // results in order, each a channel of one
	slots chan struct{}      // bounds the goroutines
}

// Read-ahead of the pipeline: enough to hide a round trip to the file system,
// little enough that a pause is felt at once.
const (
	aheadWorkers = 4
	aheadObjects = 64
)

func newPipeline(ctx context.Context, work func(object) prepared) *pipeline {
	return &pipeline{ctx: ctx, work: work, queue: make(chan chan prepared, aheadObjects), slots: make(chan struct{}, aheadWorkers)}
}

// put starts the work for one object; it waits while the read-ahead is full.
func (p *pipeline) put(o object) error {
	result := make(chan prepared, 1)
	select {
	case p.queue <- result:
	case <-p.ctx.Done():
		return p.ctx.Err()
	}
	select {
	case p.slots <- struct{}{}:
	case <-p.ctx.Done():
		result <- prepared{object: o, err: p.ctx.Err()}
		return p.ctx.Err()
	}
	go func() {
		defer func() { <-p.slots }()
		result <- p.work(o)
	}()
	return nil
}

// close ends the input; out is closed when everything was delivered.
func (p *pipeline) close() { close(p.queue) }

// out delivers the results in order.
func (p *pipeline) out() func(yield func(prepared) bool) {
	return func(yield func(prepared) bool) {
		for result := range p.queue {
			if !yield(<-result) {
				return
			}
		}
	}
}
