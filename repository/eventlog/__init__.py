"""The log of events: the one source from which everything else can be made again."""
