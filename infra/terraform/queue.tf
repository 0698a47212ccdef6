# One message for each batch or day that could not be loaded, until someone runs it again.
resource "aws_sqs_queue" "dlq" {
  name                       = local.names.dlq
  sqs_managed_sse_enabled    = true
  message_retention_seconds  = 14 * 24 * 3600 # the most that SQS offers
  visibility_timeout_seconds = 60             # long enough to start an execution from a message and delete it
  receive_wait_time_seconds  = 1
}

# Only the two roles that keep failures may send: not even an administrator can put an invented failure there. The
# emulator makes the state machine's own calls as the account and not as its role.
resource "aws_sqs_queue_policy" "dlq" {
  queue_url = aws_sqs_queue.dlq.id
  policy = templatefile("${path.module}/policies/resources/queue.json.tftpl", merge(local.template, {
    sender_arns = jsonencode(concat(
      [for role in ["scheduler", "state_machine"] : aws_iam_role.this[role].arn],
      local.on_emulator ? ["arn:${local.partition}:iam::${local.account_id}:root"] : [],
    ))
  }))
}
