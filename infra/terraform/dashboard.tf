# One dashboard: is it running, is it late, what failed, what did it load. Three are free, a further one is $3 a month, which
# `dashboard_enabled = false` saves.

locals {
  executions = ["ExecutionsStarted", "ExecutionsSucceeded", "ExecutionsFailed", "ExecutionsTimedOut", "ExecutionsAborted", "ExecutionThrottled"]

  # In reading order, two a row.
  widgets = [
    { title = "Executions", stat = "Sum", period = 3600, metrics = [for metric in local.executions : ["AWS/States", metric, "StateMachineArn", local.state_machine_arn]] },
    { title = "Duration of an execution (ms)", stat = "Maximum", period = 3600, metrics = [["AWS/States", "ExecutionTime", "StateMachineArn", local.state_machine_arn]] },
    { title = "Rows written", stat = "Sum", period = 86400, metrics = [[local.metrics_namespace, "RowsWritten", "service", var.prefix]] },
    { title = "Rows rejected, rows with flags", stat = "Sum", period = 86400, metrics = [for name in ["RowsRejected", "RowsFlagged"] : [local.metrics_namespace, name, "service", var.prefix]] },
    { title = "Failed attempts, retried or not", stat = "Sum", period = 3600, metrics = [for filter in aws_cloudwatch_log_metric_filter.failed_attempts : [local.metrics_namespace, filter.metric_transformation[0].name]] },
    { title = "Messages on the dead-letter queue", stat = "Maximum", period = 300, metrics = [["AWS/SQS", "ApproximateNumberOfMessagesVisible", "QueueName", local.names.dlq]] },
    { title = "Function errors", stat = "Sum", period = 900, metrics = [for name in values(local.function_names) : ["AWS/Lambda", "Errors", "FunctionName", name]] },
    { title = "Function duration (ms)", stat = "Maximum", period = 900, metrics = [for name in values(local.function_names) : ["AWS/Lambda", "Duration", "FunctionName", name]] },
    { title = "Athena: bytes scanned", stat = "Sum", period = 3600, metrics = [["AWS/Athena", "ProcessedBytes", "WorkGroup", local.names.workgroup, "QueryState", "SUCCEEDED", "QueryType", "DML"]] },
    { title = "Athena: failed queries", stat = "SampleCount", period = 3600, metrics = [["AWS/Athena", "TotalExecutionTime", "WorkGroup", local.names.workgroup, "QueryState", "FAILED", "QueryType", "DML"]] },
  ]

  # The essential ones first.
  alarm_arns = [for name in concat(keys(local.essential_alarms), keys(local.further_alarms)) :
    aws_cloudwatch_metric_alarm.this[name].arn if contains(keys(local.alarms), name)
  ]
}

resource "aws_cloudwatch_dashboard" "this" {
  count = var.dashboard_enabled ? 1 : 0

  dashboard_name = var.prefix
  dashboard_body = jsonencode({
    widgets = concat(
      [{ type = "alarm", x = 0, y = 0, width = 24, height = 4, properties = { title = "Alarms", alarms = local.alarm_arns } }],
      [for index, widget in local.widgets : {
        type   = "metric"
        x      = 12 * (index % 2)
        y      = 4 + 6 * floor(index / 2)
        width  = 12
        height = 6
        properties = {
          title   = widget.title
          region  = var.region
          view    = "timeSeries"
          stat    = widget.stat
          period  = widget.period
          metrics = widget.metrics
        }
      }],
    )
  })
}
