# Mails about executions that could not mail themselves: a Catch sees neither an execution's own timeout, nor a person's
# stop, nor an error of the machine itself. EventBridge starts a small state machine under a role, since what SNS accepts
# from EventBridge itself depends on the version of AWS's pages (docs/decisions/0016). alarms.tf watches the same ends.

locals {
  interrupted = jsondecode(templatefile("${local.root}/statemachine/interrupted.json", merge(local.template, local.retry_lists)))
}

resource "aws_cloudwatch_event_rule" "interrupted" {
  name          = local.names.interrupted
  description   = "Executions of the pipeline that failed, timed out or were stopped"
  event_pattern = jsonencode(local.interrupted.pattern)
}

resource "aws_cloudwatch_event_target" "interrupted" {
  rule       = aws_cloudwatch_event_rule.interrupted.name
  arn        = aws_sfn_state_machine.interrupted.arn
  role_arn   = aws_iam_role.this["interrupted_rule"].arn
  input_path = "$.detail"

  depends_on = [aws_iam_role_policy.this]
}

resource "aws_sfn_state_machine" "interrupted" {
  # checkov:skip=CKV_AWS_284: four states that call two services; the history of 90 days shows all that a trace would
  # checkov:skip=CKV_AWS_285: Step Functions keeps each history for 90 days; these executions hold nothing else
  name       = local.names.interrupted
  type       = "STANDARD"
  role_arn   = aws_iam_role.this["interrupted"].arn
  definition = jsonencode(local.interrupted.definition)

  depends_on = [aws_iam_role_policy.this]
}
