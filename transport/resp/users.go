package resp

import (
	"crypto/sha256"
	"crypto/subtle"
)

// user is somebody who may connect; a password is kept as its hash alone.
type user struct {
	name     string
	hashes   [][sha256.Size]byte
	operator bool
}

// users are the accounts of a door. Without any, everybody is the operator "default".
type users struct{ byName map[string]*user }

const defaultUser = "default"

func newUsers(configured []User) users {
	u := users{byName: map[string]*user{}}
	for _, each := range configured {
		made := &user{name: each.Name, operator: each.Operator}
		for _, password := range each.Passwords {
			made.hashes = append(made.hashes, sha256.Sum256([]byte(password)))
		}
		u.byName[each.Name] = made
	}
	return u
}

// open reports that nobody needs a password.
func (u users) open() bool { return len(u.byName) == 0 }

// anonymous is whom a new connection acts for; nil when it has to authenticate first.
func (u users) anonymous() *user {
	if u.open() {
		return &user{name: defaultUser, operator: true}
	}
	return nil
}

// check finds the user of that name and password, or gives nil. It takes as long for an unknown name as for a wrong password.
func (u users) check(name, password []byte) *user {
	if u.open() && string(name) == defaultUser {
		return u.anonymous()
	}
	given := sha256.Sum256(password)
	found := u.byName[string(name)]
	candidates := [][sha256.Size]byte{{}}
	if found != nil {
		candidates = found.hashes
	}
	matches := 0
	for _, hash := range candidates {
		matches |= subtle.ConstantTimeCompare(given[:], hash[:])
	}
	if found == nil || matches == 0 {
		return nil
	}
	return found
}
