"""Video tokenizer, latent action model and dynamics: pure maps on one spatio-temporal transformer."""
