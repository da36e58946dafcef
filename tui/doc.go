// Package tui is the wizard: a technician answers a few questions with the
// keyboard and walks away with a verified store. It draws state and sends
// intents; it never reads a disk, everything it knows comes from a [Backend].
//
// Its nouns: the session holds what is known and what was answered. A screen
// asks one question and keeps nothing but cursor and scroll position. The
// router walks the screens in order, keeps the history for Esc, and lays
// overlays (help, dialogs) on top. A run is a job of the engine in progress. An
// outline is a screen told as numbered lines: plain mode walks the same router
// and prints outlines instead of frames.
//
// The rules of the house:
//
//   - Space only chooses, Enter only goes on, Esc goes back and loses no
//     answer, Ctrl+C only asks. Every F-key has a second key.
//   - A key works exactly if the help line, or the help screen, names it: both
//     and the dispatch read the same bindings.
//   - The message, key and status lines never move. The message line answers
//     what the reader would ask now, during a save: what is safe already.
//   - 78 by 24 cells inside 80 by 25, at most 100 wide. Our own text uses only
//     glyphs that code page 437 and every console font has, or plain ASCII.
//   - Colour is one of 16 and never the only carrier of a meaning.
//   - A foreign name passes session.show before it is drawn, and is cut by cells.
//   - What was typed in secret is drawn as stars when hidden, is in no message
//     but the one to the engine, and is overwritten when it has served.
//   - Writing to the computer itself starts from one screen only, and No is
//     its first choice.
//   - Update does no input or output; commands do, and return messages.
//   - Words: save and put back, from and to. Sizes, times and counts come from
//     package human.
package tui
