# Budgets mail directly, not through the topic. A budget without actions is free (price list of AWSBudgets, usage type
# BudgetsUsage: $0.00 a budget-day).
#
# In a new account only the root user may call Budgets until that user opens billing to IAM; infra/cli/preflight.py asks.
# https://docs.aws.amazon.com/awsaccountbilling/latest/aboutv2/control-access-billing.html
resource "aws_budgets_budget" "monthly" {
  count = var.budget_enabled ? 1 : 0

  name         = "${var.prefix}-monthly"
  budget_type  = "COST"
  limit_amount = format("%.1f", var.budget_usd)
  limit_unit   = "USD"
  time_unit    = "MONTHLY"

  dynamic "cost_filter" {
    for_each = var.budget_tagged_only ? ["user:Stack$${var.prefix}"] : []
    content {
      name   = "TagKeyValue"
      values = [cost_filter.value]
    }
  }

  notification {
    notification_type          = "FORECASTED"
    comparison_operator        = "GREATER_THAN"
    threshold                  = 80
    threshold_type             = "PERCENTAGE"
    subscriber_email_addresses = [var.alert_email]
  }

  notification {
    notification_type          = "ACTUAL"
    comparison_operator        = "GREATER_THAN"
    threshold                  = 100
    threshold_type             = "PERCENTAGE"
    subscriber_email_addresses = [var.alert_email]
  }
}
