# Who called which AWS API in this account. Management events only: the first copy is free, while a record of every
# object read and written ($0.10 per 100,000) would say what the execution history says already.

locals {
  trail_name = "${var.prefix}-trail"
  trail_arn  = "arn:${local.partition}:cloudtrail:${local.arn_suffix}:trail/${local.trail_name}"
}

resource "aws_cloudwatch_log_group" "trail" {
  # checkov:skip=CKV_AWS_158: CloudWatch encrypts logs by itself; a customer key costs $1 a month
  # checkov:skip=CKV_AWS_338: retention is a variable; the bucket keeps the files for trail_expire_days
  count = var.trail_enabled ? 1 : 0

  name              = "/aws/cloudtrail/${local.trail_name}"
  retention_in_days = var.log_retention_days
}

resource "aws_cloudtrail" "this" {
  # checkov:skip=CKV_AWS_35: SSE-S3 is chosen over a customer key, see storage.tf
  # checkov:skip=CKV_AWS_252: the alarm on refused calls tells people; a message for each delivered log file would not
  count = var.trail_enabled ? 1 : 0

  name                       = local.trail_name
  s3_bucket_name             = aws_s3_bucket.this["trail"].id
  is_multi_region_trail      = true
  enable_log_file_validation = true
  cloud_watch_logs_group_arn = "${aws_cloudwatch_log_group.trail[0].arn}:*"
  cloud_watch_logs_role_arn  = aws_iam_role.this["trail"].arn

  # CloudTrail tests its access to bucket and log group when it is made.
  depends_on = [aws_s3_bucket_policy.this, aws_iam_role_policy.this]
}
