resource "aws_sns_topic" "failures" {
  # checkov:skip=CKV_AWS_26: alarms and EventBridge cannot publish to a topic under the free AWS-managed key, a customer
  # key costs $1 a month; the mails hold dataset names, days and error messages, and leave by mail anyway
  name         = local.names.topic
  display_name = "marketlake"
}

resource "aws_sns_topic_policy" "failures" {
  arn    = aws_sns_topic.failures.arn
  policy = templatefile("${path.module}/policies/resources/topic.json.tftpl", local.template)
}

# Pending until the person opens the link in AWS's mail; Terraform cannot do that for them.
resource "aws_sns_topic_subscription" "mail" {
  topic_arn = aws_sns_topic.failures.arn
  protocol  = "email"
  endpoint  = var.alert_email
}
