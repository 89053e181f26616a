package client

import (
	"context"
	"encoding/json"
	"slices"
	"time"
)

// followPause is how often the client looks where the leader is.
const followPause = 5 * time.Second

// followLeader moves the shared connection to the leader as long as the client is open.
func (c *Client) followLeader() {
	for {
		if leader := c.leaderEndpoint(); leader != "" {
			c.goTo(leader)
		}
		if wait(c.ctx, followPause) != nil {
			return
		}
	}
}

// leaderEndpoint asks the node at the other end of the connection where the leader is; empty when it does not know, or leads itself.
func (c *Client) leaderEndpoint() string {
	ctx, cancel := context.WithTimeout(c.ctx, c.options.AttemptTimeout)
	defer cancel()
	answer, err := c.Do(ctx, "COORDD.STATUS")
	if err != nil {
		return ""
	}
	var status struct {
		Role    string `json:"role"`
		Members []struct {
			Leader       bool   `json:"leader"`
			RedisAddress string `json:"redis_address"`
		} `json:"members"`
	}
	if json.Unmarshal(answer.Text, &status) != nil || status.Role == "leader" {
		return ""
	}
	for _, member := range status.Members {
		if member.Leader && slices.Contains(c.options.Endpoints, member.RedisAddress) {
			return member.RedisAddress
		}
	}
	return ""
}

// goTo makes an endpoint the next and leaves the present one for it. The requests under way are answered on the old connection, the waits go over to the new one.
func (c *Client) goTo(endpoint string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.shared == nil || c.shared.endpoint == endpoint {
		return
	}
	c.giveUp()
	c.endpoints.choose(endpoint)
}
