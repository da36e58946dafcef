package regf

// Log is a transaction log as it lies beside its hive: .LOG1, .LOG2 or .LOG.
type Log struct {
	Name string
	Data []byte
}

// State tells in what state a hive was found and read.
type State string

// The states of a hive.
const (
	Clean    State = "clean"
	Replayed State = "replayed" // it was dirty, and the logs made it whole
	Repaired State = "repaired" // as replayed, and its base block came from a log
	Dirty    State = "dirty"    // it was dirty and no log applied: read as it is
	Rejected State = "rejected" // it was dirty, and the logs would have damaged it: read as it is
)

// Recovery tells what was done to read a hive.
type Recovery struct {
	State        State
	Logs         []string // names of the logs that were applied, in order
	Entries      int      // applied entries, of logs in the new format
	Pages        int      // applied pages
	LastSequence uint32   // of the last write that is part of the hive
	Notes        []string // what a technician may want to know
}

func replay(data []byte, logs []Log) (image []byte, r Recovery, sequence uint32) {
	return data, Recovery{State: Clean}, baseBlock(data).sequence1()
}
