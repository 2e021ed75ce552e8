"""Is a claim right? Proofs of our own gradients, and verdicts on other people's."""
