"""What every training shares: resumable checkpoints and a Trainer that stops at a loss that is not finite."""
