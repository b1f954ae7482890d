//! frame_reader
