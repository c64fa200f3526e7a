"""Methods at work on uploads, and what they predicted."""
