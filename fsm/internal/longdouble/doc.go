// Package longdouble reads and writes the numbers of INCRBYFLOAT as Redis does on x86-64, where it computes in C's long double: the 80-bit format, whose
// significand has 64 bits and which reaches from 2^-16445 to 2^16384.
//
// What the processor does there, math/big does here, with the same bits on every machine: a text is rounded once, to the nearest significand and to the even one
// of two. Numbers below 2^-16382, for which the format has fewer bits, keep all 64: they are far below the last digit that is ever written.
package longdouble
