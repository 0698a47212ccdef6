# Each alarm mails the topic. The first ten alarms of an account are free, each further one costs $0.10 a month: 28
# here with three datasets, so $1.80.
#
# One alarm a row, by its name after the prefix: what it watches, and from which value on it goes off. `says` is its mail:
# what happened, or where to look. What a row leaves out is in alarm_defaults. Not essential are those that watch the
# parts of what another alarm watches as a whole.
#
# Missing data: these metrics exist only while something happens, so silence is good news everywhere but in freshness,
# where silence is what has to be reported. OK is not mailed: it says no more than that the failing stopped, or that
# nothing ran. https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/alarms-and-missing-data.html

locals {
  alarm_defaults = {
    essential    = true
    dimensions   = null
    statistic    = "Sum"
    period       = 300
    periods      = 1
    comparison   = "GreaterThanOrEqualToThreshold"
    threshold    = 1
    missing_data = "notBreaching"
    enabled      = true
  }

  state_machine_alarms = {
    executions-failed    = { metric = "ExecutionsFailed", says = "An execution failed; its own mail says what and why" }
    executions-timed-out = { metric = "ExecutionsTimedOut", says = "An execution ran into its time limit" }
    executions-throttled = { metric = "ExecutionThrottled", says = "Step Functions slowed an execution down: the account's quota of state transitions is used up" }

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

  pipeline_alarms = {
    dlq-depth = {
      namespace  = "AWS/SQS"
      metric     = "ApproximateNumberOfMessagesVisible"
      dimensions = { QueueName = local.names.dlq }
      statistic  = "Maximum"
      says       = "Work waits on the dead-letter queue: list it with `marketlake dlq list`, run it again with `marketlake retry --all`"
    }

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
  }

  trail_alarms = { for filter in aws_cloudwatch_log_metric_filter.unauthorized_calls : "unauthorized-calls" => {
    namespace = local.metrics_namespace
    metric    = filter.metric_transformation[0].name
    threshold = var.unauthorized_calls_threshold
    says      = "API calls in this account were refused; who and what is in log group ${filter.log_group_name}"
  } }

  dataset_alarms = { for dataset in keys(local.contracts) : "rejected-rows-${replace(dataset, "_", "-")}" => {
    namespace  = local.metrics_namespace
    metric     = "RowsToReview" # not each rejected row: many of a batch, or rows that were bad again on a later day
    dimensions = { dataset = dataset }
    period     = 86400
    threshold  = var.rejected_rows_threshold
    says       = "Rows of ${dataset} broke the contract's rules, over ${local.contracts[dataset].rules.review_share * 100} % of a run or again on a later day; they lie with their reasons in s3://${local.names.raw_bucket}/quarantine/${dataset}/"
  } }

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

  alarms = { for name, alarm in merge(
    { for name, alarm in local.state_machine_alarms : name => merge({ namespace = "AWS/States", dimensions = { StateMachineArn = local.state_machine_arn } }, alarm) },
    local.pipeline_alarms,
    local.trail_alarms,
    local.dataset_alarms,
    merge([for function, alarms in local.function_alarms : { for kind, alarm in alarms : "${trimprefix(function, "${var.prefix}-")}-${kind}" => merge(
      { essential = false, namespace = "AWS/Lambda", dimensions = { FunctionName = function }, period = 900 }, alarm,
    ) }]...),
  ) : name => merge(local.alarm_defaults, alarm) }
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
