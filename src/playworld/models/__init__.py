"""Video tokenizer, latent action model, dynamics: pure maps on one spatio-temporal transformer."""
