//go:build coordd_exact

// This file is empty. It lets the package declare a function whose body is in the runtime.
