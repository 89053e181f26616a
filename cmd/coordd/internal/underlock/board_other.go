//go:build unix && !linux

package underlock

import (
	"errors"
	"os"
)

// newBoardFile makes the memory of a board: a temporary file that loses its name at once.
func newBoardFile() (*os.File, error) {
	file, err := os.CreateTemp("", "coordd-board-")
	if err != nil {
		return nil, err
	}
	return file, errors.Join(os.Remove(file.Name()), file.Truncate(boardBytes))
}
