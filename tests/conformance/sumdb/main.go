// Verifies what an archive proves, with nothing of the archive's own: Go's golang.org/x/mod/sumdb does all of it.
//
//	main LOG.VKEY EVIDENCE OLD-CHECKPOINT PROOF ENVELOPE
package main

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"
)

type files struct{ folder string }

func (f files) Height() int { return 8 }
func (f files) ReadTiles(tiles []tlog.Tile) (all [][]byte, err error) {
	for _, tile := range tiles {
		path := strings.Replace(tile.Path(), "tile/8/", "tile/", 1)
		data, err := os.ReadFile(filepath.Join(f.folder, path))
		if err != nil {
			return nil, err
		}
		all = append(all, data)
	}
	return all, nil
}
func (f files) SaveTiles([]tlog.Tile, [][]byte) {}

func must[T any](value T, err error) T {
	check(err)
	return value
}

func check(err error) {
	if err != nil {
		fmt.Println(err)
		os.Exit(1)
	}
}

func head(data []byte, key note.Verifier) tlog.Tree {
	lines := strings.Split(must(note.Open(data, note.VerifierList(key))).Text, "\n")
	return tlog.Tree{N: must(strconv.ParseInt(lines[1], 10, 64)), Hash: must(tlog.ParseHash(lines[2]))}
}

func main() {
	key := must(note.NewVerifier(strings.TrimSpace(string(must(os.ReadFile(os.Args[1]))))))
	tree := head(must(os.ReadFile(filepath.Join(os.Args[2], "checkpoint"))), key)
	old := head(must(os.ReadFile(os.Args[3])), key)
	reader := tlog.TileHashReader(tree, files{os.Args[2]})
	check(tlog.CheckTree(must(tlog.ProveTree(tree.N, old.N, reader)), tree.N, tree.Hash, old.N, old.Hash))

	proof, signed, _ := bytes.Cut(must(os.ReadFile(os.Args[4])), []byte("\n\n"))
	lines := strings.Split(string(proof), "\n")
	index := must(strconv.ParseInt(strings.TrimPrefix(lines[1], "index "), 10, 64))
	var path tlog.RecordProof
	for _, line := range lines[2:] {
		path = append(path, must(tlog.ParseHash(line)))
	}
	under := head(signed, key)
	check(tlog.CheckRecord(path, under.N, under.Hash, index, tlog.RecordHash(must(os.ReadFile(os.Args[5])))))
	fmt.Printf("proven: event %d of %d, which continue %d\n", index+1, tree.N, old.N)
}
