package underlock

import (
	"errors"
	"fmt"
)

// KeeperArguments are the descriptors that a keeper finds open: its ends of the link and of the board.
type KeeperArguments struct{ link, board int }

// String is how they stand on the keeper's command line.
func (a KeeperArguments) String() string { return fmt.Sprintf("%d,%d", a.link, a.board) }

// ParseKeeperArguments reads what String wrote.
func ParseKeeperArguments(text string) (a KeeperArguments, err error) {
	if n, err := fmt.Sscanf(text, "%d,%d", &a.link, &a.board); err != nil || n != 2 || a.link < 3 || a.board < 3 || a.link == a.board {
		return KeeperArguments{}, errors.New("this is a part of coordd lock and coordd elect that they start themselves")
	}
	return a, nil
}
