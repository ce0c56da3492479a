"""One module a command: parse, call one service, render what it answers."""
