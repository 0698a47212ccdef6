# Each alarm mails the topic. AWS bills by the metric that an alarm watches ("$0.00 per alarm metric month - first 10 alarm
# metrics", a bill says, then $0.10): one each here. The essential ones are fewer than ten; each has its action in
# docs/operations.md, and a test compares the names. The further ones, by `alarms = "all"`, watch the parts of what an
# essential one watches as a whole.
#
# One alarm a row, by its name after the prefix: what it watches, and from which value on it goes off. `says` is its mail:
# what happened, or where to look. What a row leaves out is in alarm_defaults.
#
# Missing data: these metrics exist only while something happens, so silence is good news everywhere but in freshness,
# where silence is what has to be reported. OK is not mailed: it says no more than that the failing stopped, or that
# nothing ran. https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/alarms-and-missing-data.html

locals {
  alarm_defaults = {
    dimensions   = null
    statistic    = "Sum"
    period       = 300
    periods      = 1
    comparison   = "GreaterThanOrEqualToThreshold"
    threshold    = 1
    missing_data = "notBreaching"
    enabled      = true
  }

  execution_metric = { namespace = "AWS/States", dimensions = { StateMachineArn = local.state_machine_arn } }

  execution_alarms = {
    executions-failed = { metric = "ExecutionsFailed", says = "An execution failed; its own mail says what and why" }

    # Whether or not the mail of interrupted.tf comes.
    executions-timed-out = { metric = "ExecutionsTimedOut", says = "An execution ran into its time limit: `marketlake history` names it, `marketlake retry --all` runs it again" }
    executions-aborted   = { metric = "ExecutionsAborted", says = "An execution was stopped: `marketlake history` names it, `marketlake retry --all` runs it again" }

    # A count of successes, hour by hour: an alarm on days would need three or four missing ones to be sure.
    freshness = {
      metric       = "ExecutionsSucceeded"
      period       = 3600
      periods      = var.freshness_hours
      comparison   = "LessThanThreshold"
      missing_data = "breaching"
      enabled      = var.schedule_enabled # a pipeline that nobody scheduled is not late
      says         = "No execution succeeded for ${var.freshness_hours} hours: is the schedule on, and what did the last runs end with?"
    }
  }

  essential_alarms = merge({ for name, alarm in local.execution_alarms : name => merge(local.execution_metric, alarm) }, {
    dlq-depth = {
      namespace  = "AWS/SQS"
      metric     = "ApproximateNumberOfMessagesVisible"
      dimensions = { QueueName = local.names.dlq }
      statistic  = "Maximum"
      says       = "Work waits on the dead-letter queue: list it with `marketlake dlq list`, run it again with `marketlake retry --all`"
    }

    rejected-rows = {
      namespace  = local.metrics_namespace
      metric     = "RowsToReview" # not each rejected row: many of a batch, or rows that were bad again on a later day
      dimensions = local.metrics_dimensions
      period     = 86400
      threshold  = var.rejected_rows_threshold
      says       = "Rows broke their contract's rules, too many of a run or again on a later day: `marketlake query quarantined_rows` lists them with their reasons"
    }
  }, local.trail_alarms)

  trail_alarms = { for filter in aws_cloudwatch_log_metric_filter.unauthorized_calls : "unauthorized-calls" => {
    namespace = local.metrics_namespace
    metric    = filter.metric_transformation[0].name
    threshold = var.unauthorized_calls_threshold
    says      = "API calls in this account were refused; who and what is in log group ${filter.log_group_name}"
  } }

  further_alarms = merge({
    executions-throttled = merge(local.execution_metric, {
      metric = "ExecutionThrottled"
      says   = "Step Functions slowed an execution down: the account's quota of state transitions is used up"
    })

    # Athena publishes no count of failures, but how often it measured a failed query's time is one.
    # https://docs.aws.amazon.com/athena/latest/ug/query-metrics-viewing.html
    athena-failures = {
      namespace  = "AWS/Athena"
      metric     = "TotalExecutionTime"
      dimensions = { WorkGroup = local.names.workgroup, QueryState = "FAILED", QueryType = "DML" }
      statistic  = "SampleCount"
      period     = 3600
      threshold  = var.athena_failures_threshold
      says       = "At least ${var.athena_failures_threshold} queries of workgroup ${local.names.workgroup} failed within an hour"
    }
    }, [for function, alarms in local.function_alarms : { for kind, alarm in alarms : "${trimprefix(function, "${var.prefix}-")}-${kind}" => merge(
      { namespace = "AWS/Lambda", dimensions = { FunctionName = function }, period = 900 }, alarm,
  ) }]...)

  # All attempts of the batches that run side by side: fewer failed calls are what Retry is for, as on an evening on which
  # a source is throttled for minutes.
  errors_threshold = (local.parameters.max_attempts + 1) * local.parameters.max_concurrency

  function_alarms = { for function, name in local.function_names : name => {
    errors    = { metric = "Errors", threshold = local.errors_threshold, says = "Function ${name} failed at least ${local.errors_threshold} times in 15 minutes; retries may have succeeded since" }
    throttles = { metric = "Throttles", says = "Lambda refused calls of ${name}: the account's concurrency is used up" }
    duration = {
      metric     = "Duration"
      statistic  = "Maximum"
      comparison = "GreaterThanThreshold"
      threshold  = local.functions[function].timeout_seconds * 1000 * 0.8
      says       = "A call of ${name} took over 80 % of its ${local.functions[function].timeout_seconds} s timeout"
    }
  } }

  alarms = { for name, alarm in merge(local.essential_alarms, local.further_alarms) : name => merge(local.alarm_defaults, alarm)
  if var.alarms == "all" || contains(keys(local.essential_alarms), name) }
}

resource "aws_cloudwatch_metric_alarm" "this" {
  for_each = local.alarms

  alarm_name          = "${var.prefix}-${each.key}"
  alarm_description   = each.value.says
  namespace           = each.value.namespace
  metric_name         = each.value.metric
  dimensions          = each.value.dimensions
  statistic           = each.value.statistic
  period              = each.value.period
  evaluation_periods  = each.value.periods
  comparison_operator = each.value.comparison
  threshold           = each.value.threshold
  treat_missing_data  = each.value.missing_data
  actions_enabled     = each.value.enabled
  alarm_actions       = [aws_sns_topic.failures.arn]
}
