"""What the command, the console and the dashboard share: a deployment and its executions, queue, lake and queries."""
