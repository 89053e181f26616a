package s3guard_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/coordd/coordd/client/guard"
	"github.com/coordd/coordd/client/guard/s3guard"
)

func fence(t testing.TB, lock string, token uint64) guard.Fence {
	t.Helper()
	made, err := guard.New(lock, token)
	if err != nil {
		t.Fatal(err)
	}
	return made
}

func TestAnObjectCarriesItsTokenInItsContent(t *testing.T) {
	lock := "the \"night\" job\n作業 \u2028" + strings.Repeat("\u200b", 100)
	put, err := s3guard.Absent.Next(fence(t, lock, 33), []byte("one\ntwo"))
	if err != nil || put.IfNoneMatch != "*" || put.IfMatch != "" || put.Header().Get("If-None-Match") != "*" {
		t.Fatalf("the first write: %+v, %v", put, err)
	}
	object, err := s3guard.Open(`"e1"`, put.Body)
	if err != nil || object.Lock != lock || object.Token != 33 || string(object.Content) != "one\ntwo" {
		t.Fatalf("reading it again: %+v, %v", object, err)
	}
	entered, err := object.Enter(fence(t, lock, 34))
	if err != nil || entered.IfMatch != `"e1"` || entered.IfNoneMatch != "" || entered.Header().Get("If-Match") != `"e1"` {
		t.Fatalf("entering: %+v, %v", entered, err)
	}
	if string(entered.Body) == string(put.Body) {
		t.Error("entering with the same content gives the same bytes, and so the same ETag: a stale writer would pass")
	}
	object, err = s3guard.Open(`"e2"`, entered.Body)
	if err != nil || string(object.Content) != "one\ntwo" {
		t.Fatalf("after entering: %+v, %v", object, err)
	}
	var stale *guard.StaleError
	if _, err := object.Next(fence(t, lock, 33), nil); !errors.As(err, &stale) || stale.Newest != 34 {
		t.Errorf("an older token: %v", err)
	}
	var not *guard.NotEnteredError
	if _, err := object.NextCurrent(fence(t, lock, 35), nil); !errors.As(err, &not) || not.Newest != 34 {
		t.Errorf("a token that has not entered: %v", err)
	}
	if _, err := object.NextCurrent(fence(t, lock, 34), nil); err != nil {
		t.Errorf("the current token: %v", err)
	}
	if _, err := object.Next(fence(t, "another", 99), nil); err == nil {
		t.Error("a token of another lock was compared")
	}
	if _, err := object.Next(guard.Fence{}, nil); !errors.Is(err, guard.ErrInvalid) {
		t.Errorf("no fence: %v", err)
	}
}

func TestWhatIsNoGuardedObjectIsRefused(t *testing.T) {
	good := "coordd-fence/1 33 \"job\"\ncontent"
	for _, etag := range []string{"", `W/"e1"`} {
		if _, err := s3guard.Open(etag, []byte(good)); err == nil {
			t.Errorf("the ETag %q was taken", etag)
		}
	}
	for _, body := range []string{
		"", "content", "coordd-fence/1 33 \"job\"", "coordd-fence/2 33 \"job\"\n", "coordd-fence/1 x \"job\"\n", "coordd-fence/1 33 job\n", "coordd-fence/1 33\n",
		"coordd-fence/1 0 \"job\"\n", "coordd-fence/1 33 \"\"\n", "coordd-fence/1 33 \"" + strings.Repeat("x", 1<<20) + "\"\n",
	} {
		if _, err := s3guard.Open(`"e1"`, []byte(body)); !errors.Is(err, s3guard.ErrNotGuarded) {
			t.Errorf("%.40q: got %v", body, err)
		}
	}
}

// What is read is bytes from outside: no input makes it panic, and what it accepts it writes back the same.
func FuzzOpen(f *testing.F) {
	f.Add([]byte("coordd-fence/1 33 \"job\"\ncontent"))
	f.Add([]byte("coordd-fence/1 33 \"\\u4f5c\"\n"))
	f.Fuzz(func(t *testing.T, body []byte) {
		object, err := s3guard.Open(`"e"`, body)
		if err != nil {
			return
		}
		put, err := object.Enter(fence(t, object.Lock, object.Token))
		if err != nil {
			t.Fatal(err)
		}
		again, err := s3guard.Open(`"e"`, put.Body)
		if err != nil || again.Lock != object.Lock || again.Token != object.Token || string(again.Content) != string(object.Content) {
			t.Errorf("%q became %q: %v", body, put.Body, err)
		}
	})
}
