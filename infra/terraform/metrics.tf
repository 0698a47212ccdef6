# Metrics out of logs. What the functions count themselves (RowsRejected, RowsToReview, RowsFlagged, RowsWritten) they
# write as EMF lines, which CloudWatch turns into metrics of the same namespace without a filter.
# A metric of one's own costs $0.30 a month after the first ten, for the hours in which it has data.

locals {
  metrics_namespace  = "marketlake" # as in functions/marketlake/telemetry.py
  metrics_dimensions = { service = var.prefix }
}

# https://docs.aws.amazon.com/securityhub/latest/userguide/cloudwatch-controls.html#cloudwatch-2
resource "aws_cloudwatch_log_metric_filter" "unauthorized_calls" {
  count = var.trail_enabled ? 1 : 0

  name           = "${var.prefix}-unauthorized-calls"
  log_group_name = aws_cloudwatch_log_group.trail[0].name
  pattern        = "{ ($.errorCode = \"*UnauthorizedOperation\") || ($.errorCode = \"AccessDenied*\") }"

  metric_transformation {
    name      = "${var.prefix}-unauthorized-calls"
    namespace = local.metrics_namespace
    value     = "1"
  }
}

# Attempts that failed and were, or will be, retried: an execution that succeeds in the end shows none of them. For the
# dashboard alone.
resource "aws_cloudwatch_log_metric_filter" "failed_attempts" {
  count = var.dashboard_enabled ? 1 : 0

  name           = "${var.prefix}-failed-attempts"
  log_group_name = aws_cloudwatch_log_group.state_machine.name
  pattern        = "{ ($.type = \"LambdaFunctionFailed\") || ($.type = \"LambdaFunctionTimedOut\") || ($.type = \"TaskFailed\") || ($.type = \"TaskTimedOut\") }"

  metric_transformation {
    name      = "${var.prefix}-failed-attempts"
    namespace = local.metrics_namespace
    value     = "1"
  }
}
