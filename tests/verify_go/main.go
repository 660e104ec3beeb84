// verify_log checks a running log with golang.org/x/mod/sumdb/{note,tlog}, which knows nothing of Headgate: the
// checkpoint's signature, every record, every hash tile, the root, proofs of single records, and that the log still
// holds what an earlier checkpoint committed to.
//
//	verify_log -url http://127.0.0.1:8420 -key name+hash+base64 -token-file auditor.token [-earlier FILE]
//
// Built without modules from Debian's golang-golang-x-mod-dev. Exit status 1: something is not what it should be.
package main

import (
	"bytes"
	"encoding/base64"
	"encoding/binary"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"net/http"
	"os"
	"strconv"
	"strings"
	"time"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"
)

const (
	tileHeight = 8
	tileWidth  = 1 << tileHeight
	maxBody    = 32 << 20
)

type client struct {
	url, token string
	http       http.Client
}

func (c *client) get(path string) ([]byte, error) {
	request, err := http.NewRequest("GET", c.url+path, nil)
	if err != nil {
		return nil, err
	}
	if c.token != "" {
		request.Header.Set("Authorization", "Bearer "+c.token)
	}
	response, err := c.http.Do(request)
	if err != nil {
		return nil, err
	}
	defer response.Body.Close()
	body, err := io.ReadAll(io.LimitReader(response.Body, maxBody))
	if err != nil {
		return nil, err
	}
	if response.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("%s: status %d: %s", path, response.StatusCode, body)
	}
	return body, nil
}

// number is what tlog's own Path writes after the height and the level.
func number(n int64, width int) string {
	path := tlog.Tile{H: tileHeight, L: 0, N: n, W: width}.Path()
	return strings.TrimPrefix(path, fmt.Sprintf("tile/%d/0/", tileHeight))
}

// Height, ReadTiles and SaveTiles make the client a tlog.TileReader.
func (c *client) Height() int { return tileHeight }

func (c *client) ReadTiles(tiles []tlog.Tile) ([][]byte, error) {
	data := make([][]byte, len(tiles))
	for i, tile := range tiles {
		var err error
		if data[i], err = c.get(fmt.Sprintf("/tile/%d/%s", tile.L, number(tile.N, tile.W))); err != nil {
			return nil, err
		}
	}
	return data, nil
}

func (c *client) SaveTiles([]tlog.Tile, [][]byte) {}

// openCheckpoint gives the tree that a checkpoint commits to, when the key has signed it.
func openCheckpoint(text []byte, verifier note.Verifier) (tlog.Tree, error) {
	opened, err := note.Open(text, note.VerifierList(verifier))
	if err != nil {
		return tlog.Tree{}, err
	}
	lines := strings.Split(opened.Text, "\n")
	if len(lines) < 4 || lines[0] != verifier.Name() {
		return tlog.Tree{}, errors.New("the note is no checkpoint of " + verifier.Name())
	}
	size, err := strconv.ParseInt(lines[1], 10, 64)
	if err != nil || size < 0 || strconv.FormatInt(size, 10) != lines[1] {
		return tlog.Tree{}, errors.New("the checkpoint's size is no number")
	}
	root, err := tlog.ParseHash(lines[2])
	return tlog.Tree{N: size, Hash: root}, err
}

func splitBundle(bundle []byte, count int) ([][]byte, error) {
	var records [][]byte
	for len(bundle) >= 2 {
		length := int(binary.BigEndian.Uint16(bundle))
		if len(bundle) < 2+length {
			return nil, errors.New("a record is cut short")
		}
		records = append(records, bundle[2:2+length])
		bundle = bundle[2+length:]
	}
	if len(bundle) != 0 || len(records) != count {
		return nil, fmt.Errorf("an entry bundle of %d records, expected %d", len(records), count)
	}
	return records, nil
}

// checkRecords compares each record with the authenticated leaf of the tiles, and the root with that of all records.
func checkRecords(c *client, tree tlog.Tree) error {
	var stored []tlog.Hash // of everything below, computed here
	computed := tlog.HashReaderFunc(func(indexes []int64) ([]tlog.Hash, error) {
		hashes := make([]tlog.Hash, len(indexes))
		for i, index := range indexes {
			hashes[i] = stored[index]
		}
		return hashes, nil
	})
	given := tlog.TileHashReader(tree, c)
	for begin := int64(0); begin < tree.N; begin += tileWidth {
		count := tileWidth
		if tree.N-begin < tileWidth {
			count = int(tree.N - begin)
		}
		bundle, err := c.get("/tile/entries/" + number(begin/tileWidth, count))
		if err != nil {
			return err
		}
		records, err := splitBundle(bundle, count)
		if err != nil {
			return err
		}
		indexes := make([]int64, count)
		for i := range indexes {
			indexes[i] = tlog.StoredHashIndex(0, begin+int64(i))
		}
		leaves, err := given.ReadHashes(indexes)
		if err != nil {
			return err
		}
		for i, record := range records {
			position := begin + int64(i)
			var event struct{ ID string }
			if err := json.Unmarshal(record, &event); err != nil || event.ID != strconv.FormatInt(position, 10) {
				return fmt.Errorf("record %d is not the event %d: %v", position, position, err)
			}
			if tlog.RecordHash(record) != leaves[i] {
				return fmt.Errorf("record %d is not the one that the tree holds", position)
			}
			hashes, err := tlog.StoredHashes(position, record, computed)
			if err != nil {
				return err
			}
			stored = append(stored, hashes...)
		}
	}
	if tree.N == 0 {
		return nil
	}
	root, err := tlog.TreeHash(tree.N, computed)
	if err != nil {
		return err
	}
	if root != tree.Hash {
		return errors.New("the records do not have the root of the checkpoint")
	}
	return nil
}

// checkProof takes the server's proof file of a record.
func checkProof(c *client, verifier note.Verifier, position int64) error {
	record, err := c.get(fmt.Sprintf("/v1/events/%d", position))
	if err != nil {
		return err
	}
	file, err := c.get(fmt.Sprintf("/v1/events/%d/proof", position))
	if err != nil {
		return err
	}
	head, checkpoint, found := bytes.Cut(file, []byte("\n\n"))
	lines := strings.Split(string(head), "\n")
	if !found || len(lines) < 2 || lines[0] != "c2sp.org/tlog-proof@v1" || lines[1] != fmt.Sprintf("index %d", position) {
		return fmt.Errorf("the proof of record %d is no proof of it", position)
	}
	var proof tlog.RecordProof
	for _, line := range lines[2:] {
		bytes, err := base64.StdEncoding.DecodeString(line)
		var hash tlog.Hash
		if err != nil || copy(hash[:], bytes) != len(hash) {
			return fmt.Errorf("the proof of record %d holds no hash in '%s'", position, line)
		}
		proof = append(proof, hash)
	}
	tree, err := openCheckpoint(checkpoint, verifier)
	if err != nil {
		return err
	}
	return tlog.CheckRecord(proof, tree.N, tree.Hash, position, tlog.RecordHash(record))
}

func checkConsistency(c *client, tree, earlier tlog.Tree) error {
	if earlier.N > tree.N {
		return fmt.Errorf("the newest checkpoint is of %d records, an earlier one of %d", tree.N, earlier.N)
	}
	if earlier.N == 0 {
		return nil
	}
	proof, err := tlog.ProveTree(tree.N, earlier.N, tlog.TileHashReader(tree, c))
	if err != nil {
		return err
	}
	return tlog.CheckTree(proof, tree.N, tree.Hash, earlier.N, earlier.Hash)
}

func run() error {
	url := flag.String("url", "", "of the server")
	key := flag.String("key", "", "verifier key of the log")
	tokenFile := flag.String("token-file", "", "file that holds an auditor's token")
	earlierFile := flag.String("earlier", "", "a checkpoint that the log gave out before")
	flag.Parse()

	verifier, err := note.NewVerifier(*key)
	if err != nil {
		return err
	}
	token, err := os.ReadFile(*tokenFile)
	if err != nil {
		return err
	}
	c := &client{url: *url, token: strings.TrimSpace(string(token)), http: http.Client{Timeout: time.Minute}}
	text, err := c.get("/checkpoint")
	if err != nil {
		return err
	}
	tree, err := openCheckpoint(text, verifier)
	if err != nil {
		return err
	}
	if *earlierFile != "" {
		text, err := os.ReadFile(*earlierFile)
		if err != nil {
			return err
		}
		earlier, err := openCheckpoint(text, verifier)
		if err != nil {
			return err
		}
		if err := checkConsistency(c, tree, earlier); err != nil {
			return err
		}
	}
	if err := checkRecords(c, tree); err != nil {
		return err
	}
	for _, position := range []int64{0, tree.N / 2, tree.N - 1} {
		if err := checkProof(c, verifier, position); err != nil {
			return err
		}
	}
	fmt.Printf("verified %d records, root %s\n", tree.N, tree.Hash)
	return nil
}

func main() {
	if err := run(); err != nil {
		fmt.Fprintln(os.Stderr, "verify_log:", err)
		os.Exit(1)
	}
}
