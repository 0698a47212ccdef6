# Each alarm mails the topic. The first ten alarms of an account are free, each further one costs $0.10 a month: 28
# here with three datasets, so $1.80.
#
# Missing data: these metrics exist only while something happens, so silence is good news (notBreaching) everywhere but
# in freshness, where silence is the very thing to be told of (breaching). OK is not mailed: it says no more than that
# the failing stopped, or that nothing ran.

locals {
  execution_alarms = {
    failed    = { metric = "ExecutionsFailed", says = "An execution failed; its own mail says what and why" }
    timed-out = { metric = "ExecutionsTimedOut", says = "An execution ran into its time limit" }
    throttled = { metric = "ExecutionThrottled", says = "Step Functions slowed an execution down: the account's quota of state transitions is used up" }
  }
}

resource "aws_cloudwatch_metric_alarm" "executions" {
  for_each = local.execution_alarms

  alarm_name          = "${var.prefix}-executions-${each.key}"
  alarm_description   = each.value.says
  namespace           = "AWS/States"
  metric_name         = each.value.metric
  dimensions          = { StateMachineArn = local.state_machine_arn }
  statistic           = "Sum"
  period              = 300
  evaluation_periods  = 1
  comparison_operator = "GreaterThanOrEqualToThreshold"
  threshold           = 1
  treat_missing_data  = "notBreaching"
  alarm_actions       = [aws_sns_topic.failures.arn]
}

# A count of successes, hour by hour: an alarm on days would need three or four missing ones to be sure.
# https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/alarms-and-missing-data.html
resource "aws_cloudwatch_metric_alarm" "freshness" {
  alarm_name          = "${var.prefix}-freshness"
  alarm_description   = "No execution succeeded for ${var.freshness_hours} hours: is the schedule on, and what did the last runs end with?"
  namespace           = "AWS/States"
  metric_name         = "ExecutionsSucceeded"
  dimensions          = { StateMachineArn = local.state_machine_arn }
  statistic           = "Sum"
  period              = 3600
  evaluation_periods  = var.freshness_hours
  comparison_operator = "LessThanThreshold"
  threshold           = 1
  treat_missing_data  = "breaching"
  actions_enabled     = var.schedule_enabled # a pipeline that nobody scheduled is not late
  alarm_actions       = [aws_sns_topic.failures.arn]
}

# Three: a single failed attempt is what Retry is for, and three are one task's whole allowance.
resource "aws_cloudwatch_metric_alarm" "function_errors" {
  for_each = local.function_names

  alarm_name          = "${each.value}-errors"
  alarm_description   = "Function ${each.value} failed at least three times in 15 minutes; retries may have made good of it"
  namespace           = "AWS/Lambda"
  metric_name         = "Errors"
  dimensions          = { FunctionName = each.value }
  statistic           = "Sum"
  period              = 900
  evaluation_periods  = 1
  comparison_operator = "GreaterThanOrEqualToThreshold"
  threshold           = 3
  treat_missing_data  = "notBreaching"
  alarm_actions       = [aws_sns_topic.failures.arn]
}

resource "aws_cloudwatch_metric_alarm" "function_throttles" {
  for_each = local.function_names

  alarm_name          = "${each.value}-throttles"
  alarm_description   = "Lambda refused calls of ${each.value}: the account's concurrency is used up"
  namespace           = "AWS/Lambda"
  metric_name         = "Throttles"
  dimensions          = { FunctionName = each.value }
  statistic           = "Sum"
  period              = 900
  evaluation_periods  = 1
  comparison_operator = "GreaterThanOrEqualToThreshold"
  threshold           = 1
  treat_missing_data  = "notBreaching"
  alarm_actions       = [aws_sns_topic.failures.arn]
}

resource "aws_cloudwatch_metric_alarm" "function_duration" {
  for_each = local.functions

  alarm_name          = "${local.function_names[each.key]}-duration"
  alarm_description   = "A call of ${local.function_names[each.key]} took over 80 % of its ${each.value.timeout_seconds} s timeout"
  namespace           = "AWS/Lambda"
  metric_name         = "Duration"
  dimensions          = { FunctionName = local.function_names[each.key] }
  statistic           = "Maximum"
  period              = 900
  evaluation_periods  = 1
  comparison_operator = "GreaterThanThreshold"
  threshold           = each.value.timeout_seconds * 1000 * 0.8
  treat_missing_data  = "notBreaching"
  alarm_actions       = [aws_sns_topic.failures.arn]
}

resource "aws_cloudwatch_metric_alarm" "dlq_depth" {
  alarm_name          = "${var.prefix}-dlq-depth"
  alarm_description   = "Work waits on the dead-letter queue: list it with `marketlake dlq list`, run it again with `marketlake dlq redrive --all`"
  namespace           = "AWS/SQS"
  metric_name         = "ApproximateNumberOfMessagesVisible"
  dimensions          = { QueueName = local.names.dlq }
  statistic           = "Maximum"
  period              = 300
  evaluation_periods  = 1
  comparison_operator = "GreaterThanOrEqualToThreshold"
  threshold           = 1
  treat_missing_data  = "notBreaching"
  alarm_actions       = [aws_sns_topic.failures.arn]
}

resource "aws_cloudwatch_metric_alarm" "rejected_rows" {
  for_each = local.contracts

  alarm_name          = "${var.prefix}-rejected-rows-${replace(each.key, "_", "-")}"
  alarm_description   = "Rows of ${each.key} broke the contract's rules; they lie with their reasons in s3://${local.names.raw_bucket}/quarantine/${each.key}/"
  namespace           = local.metrics_namespace
  metric_name         = "RowsRejected"
  dimensions          = { dataset = each.key }
  statistic           = "Sum"
  period              = 86400
  evaluation_periods  = 1
  comparison_operator = "GreaterThanOrEqualToThreshold"
  threshold           = var.rejected_rows_threshold
  treat_missing_data  = "notBreaching"
  alarm_actions       = [aws_sns_topic.failures.arn]
}

# Athena publishes no count of failures, but how often it measured a failed query's time is one.
# https://docs.aws.amazon.com/athena/latest/ug/query-metrics-viewing.html
resource "aws_cloudwatch_metric_alarm" "athena_failures" {
  alarm_name          = "${var.prefix}-athena-failures"
  alarm_description   = "At least ${var.athena_failures_threshold} queries of workgroup ${local.names.workgroup} failed within an hour"
  namespace           = "AWS/Athena"
  metric_name         = "TotalExecutionTime"
  dimensions          = { WorkGroup = local.names.workgroup, QueryState = "FAILED", QueryType = "DML" }
  statistic           = "SampleCount"
  period              = 3600
  evaluation_periods  = 1
  comparison_operator = "GreaterThanOrEqualToThreshold"
  threshold           = var.athena_failures_threshold
  treat_missing_data  = "notBreaching"
  alarm_actions       = [aws_sns_topic.failures.arn]
}

resource "aws_cloudwatch_metric_alarm" "unauthorized_calls" {
  count = var.trail_enabled ? 1 : 0

  alarm_name          = "${var.prefix}-unauthorized-calls"
  alarm_description   = "API calls in this account were refused; who and what is in log group ${aws_cloudwatch_log_group.trail[0].name}"
  namespace           = local.metrics_namespace
  metric_name         = aws_cloudwatch_log_metric_filter.unauthorized_calls[0].metric_transformation[0].name
  statistic           = "Sum"
  period              = 300
  evaluation_periods  = 1
  comparison_operator = "GreaterThanOrEqualToThreshold"
  threshold           = var.unauthorized_calls_threshold
  treat_missing_data  = "notBreaching"
  alarm_actions       = [aws_sns_topic.failures.arn]
}
