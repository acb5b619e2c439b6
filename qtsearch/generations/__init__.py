"""The generations of an index: which is current, publishing, going back, copying, checking."""
