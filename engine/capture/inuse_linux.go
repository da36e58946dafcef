package capture

// inUse reports that a program keeps others from a file. Here none can.
func inUse(string) bool { return false }
