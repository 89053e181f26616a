package gossip

import (
	"errors"
	"fmt"
)

// maxMetaSize is what memberlist carries for each node.
const maxMetaSize = 512

// metaVersion begins every encoded Meta.
const metaVersion = 1

// Meta is what a node tells about itself. Encoded it must fit into 512 bytes.
type Meta struct {
	// PeerAddress, RedisAddress and HTTPAddress are host:port as others reach them; empty where a node does not serve.
	PeerAddress  string
	RedisAddress string
	HTTPAddress  string
	ClusterName  string
	// ClusterID is empty while the node belongs to no cluster.
	ClusterID string
}

// fields gives the texts of a Meta in the order in which they travel.
func (m *Meta) fields() []*string {
	return []*string{&m.PeerAddress, &m.RedisAddress, &m.HTTPAddress, &m.ClusterName, &m.ClusterID}
}

// encode gives the bytes that travel.
func (m Meta) encode() ([]byte, error) { return encodeFields(metaVersion, m.fields()) }

// encodeFields writes texts behind a version.
func encodeFields(version byte, fields []*string) ([]byte, error) {
	encoded := []byte{version}
	for _, field := range fields {
		if len(*field) > 255 {
			return nil, fmt.Errorf("%.32q… is longer than 255 bytes and cannot be told by gossip", *field)
		}
		encoded = append(encoded, byte(len(*field)))
		encoded = append(encoded, *field...)
	}
	if len(encoded) > maxMetaSize {
		return nil, fmt.Errorf("what the member tells of itself takes %d bytes; gossip carries %d, use shorter names", len(encoded), maxMetaSize)
	}
	return encoded, nil
}

// decodeMeta reads what another node tells. What follows the known fields is left for later versions.
func decodeMeta(encoded []byte) (meta Meta, err error) {
	if err := decodeFields(metaVersion, encoded, meta.fields()); err != nil {
		return Meta{}, err
	}
	return meta, nil
}

// decodeFields reads what encodeFields wrote.
func decodeFields(version byte, encoded []byte, fields []*string) error {
	if len(encoded) == 0 || len(encoded) > maxMetaSize || encoded[0] != version {
		return errors.New("a gossip member tells nothing that is understood here")
	}
	rest := encoded[1:]
	for _, field := range fields {
		if len(rest) == 0 || len(rest) <= int(rest[0]) {
			return errors.New("what a gossip member tells is cut short")
		}
		end := 1 + int(rest[0]) // as a byte, 1 + 255 would be 0
		*field, rest = string(rest[1:end]), rest[end:]
	}
	return nil
}
