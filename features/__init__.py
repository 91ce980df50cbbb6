"""Short-time features: a waveform in, frames out; augmentation; the cache."""
