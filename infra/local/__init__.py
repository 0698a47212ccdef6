"""The local AWS emulator: MiniStack with IAM enforced, its processes, and the deployment on it."""
