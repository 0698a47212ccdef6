# What a person needs next.

locals {
  console = "https://${var.region}.console.aws.amazon.com"
}

output "start_command" {
  description = "Starts the daily run now; without the AWS CLI: marketlake run --region <region>."
  value       = "aws stepfunctions start-execution --region ${var.region} --state-machine-arn ${aws_sfn_state_machine.pipeline.arn} --input '{}'"
}

output "backfill_command" {
  description = "Loads a month of all datasets."
  value       = "aws stepfunctions start-execution --region ${var.region} --state-machine-arn ${aws_sfn_state_machine.pipeline.arn} --input '{\"start\": \"2024-01-01\", \"end\": \"2024-01-31\"}'"
}

output "console_links" {
  description = "Where to look in the AWS console."
  value = merge({
    executions = "${local.console}/states/home?region=${var.region}#/statemachines/view/${aws_sfn_state_machine.pipeline.arn}"
    alarms     = "${local.console}/cloudwatch/home?region=${var.region}#alarmsV2:?search=${var.prefix}"
    athena     = "${local.console}/athena/home?region=${var.region}#/query-editor"
    queue      = "${local.console}/sqs/v3/home?region=${var.region}#/queues/${urlencode(aws_sqs_queue.dlq.url)}"
    schedule   = "${local.console}/scheduler/home?region=${var.region}#schedules/default/${aws_scheduler_schedule.this["evening"].name}"
    }, { for dashboard in aws_cloudwatch_dashboard.this :
    "dashboard" => "${local.console}/cloudwatch/home?region=${var.region}#dashboards/dashboard/${dashboard.dashboard_name}"
  })
}

output "mail" {
  description = "What is left to do for mails."
  value       = "AWS has written to ${var.alert_email}: open the link in that mail, or no failure is mailed."
}

output "buckets" {
  description = "Names of the buckets."
  value       = { for name, bucket in aws_s3_bucket.this : name => bucket.id }
}

output "state_machine_arn" {
  description = "ARN of the state machine."
  value       = aws_sfn_state_machine.pipeline.arn
}

output "dlq_url" {
  description = "Address of the dead-letter queue."
  value       = aws_sqs_queue.dlq.url
}

output "database" {
  description = "Glue database that Athena queries."
  value       = aws_glue_catalog_database.lake.name
}

output "workgroup" {
  description = "Athena workgroup to query in."
  value       = aws_athena_workgroup.this.name
}

output "github_roles" {
  description = "Roles for the repository's variables PLAN_ROLE_ARN and DEPLOY_ROLE_ARN; empty without github_repository."
  value       = { for name, role in aws_iam_role.github : name => role.arn }
}

output "quicksight_dashboard" {
  description = "Address of the QuickSight dashboard; null without quicksight_user."
  value       = one([for dashboard in aws_quicksight_dashboard.market : "https://${var.region}.quicksight.aws.amazon.com/sn/dashboards/${dashboard.dashboard_id}"])
}
