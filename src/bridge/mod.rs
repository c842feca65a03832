//! The N-API boundary: the only place that names `napi`, and the only one with `unsafe`.
