package store

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
)

// Client asks a store. The zero Client without an address must not be used.
type Client struct {
	Address string
	http    http.Client
}

// Do asks. After an error nobody knows whether the store did what was asked.
func (c *Client) Do(ctx context.Context, request Request) (Answer, error) {
	var answer Answer
	body, err := json.Marshal(request)
	if err != nil {
		return answer, err
	}
	post, err := http.NewRequestWithContext(ctx, http.MethodPost, "http://"+c.Address+"/", bytes.NewReader(body))
	if err != nil {
		return answer, err
	}
	response, err := c.http.Do(post)
	if err != nil {
		return answer, err
	}
	defer response.Body.Close()
	if response.StatusCode != http.StatusOK {
		return answer, fmt.Errorf("the store answered %s", response.Status)
	}
	return answer, json.NewDecoder(response.Body).Decode(&answer)
}
