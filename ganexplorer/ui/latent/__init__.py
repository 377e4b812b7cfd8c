"""The latent vector as sliders and as a palette."""
