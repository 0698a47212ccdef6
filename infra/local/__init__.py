"""The embedded AWS: MiniStack with IAM enforced, the deployment on it, and the replay of the sources."""
