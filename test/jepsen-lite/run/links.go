package run

import (
	"github.com/coordd/coordd/test/jepsen-lite/nemesis"
)

// endpoints gives each client process its own way to each node, beginning with another node each.
func (r *run) endpoints() ([][]string, error) {
	places := make([][]string, r.plan.Clients)
	for place := range places {
		if r.cluster == nil {
			places[place] = rotated(r.plan.Endpoints, place)
			continue
		}
		var addresses []string
		for _, node := range r.cluster.Nodes() {
			address, err := r.net.Reach(nemesis.Place(place), node.Name, node.RedisAddr)
			if err != nil {
				return nil, err
			}
			addresses = append(addresses, address)
		}
		places[place] = rotated(addresses, place)
	}
	return places, nil
}

func rotated(list []string, by int) []string {
	by %= len(list)
	return append(append([]string(nil), list[by:]...), list[:by]...)
}
