"""``marketlake console``: a page that shows executions, the queue, mails and days, read from the AWS APIs."""
