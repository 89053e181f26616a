// Package committed reads what a coordd cluster has committed, as printed by
// `coordd inspect log DIR --json`, and judges it.
//
// The judge knows nothing of coordd's code. From the began and ended events in
// log order it checks that no lock had two holders, that tokens rise for ever,
// and that nothing ended which had not begun; and of worker pools that no
// partition had two owners. Callers hold what clients wrote
// down against the result. It can say that something is wrong, and it says how
// much it has seen, so that an empty log never looks right.
package committed
