//! This package has no code of its own: it holds the tests that concern the whole repository.
