variable "log_retention_days" {
  description = "Days for which all log groups keep their events."
  type        = number
  default     = 30
  nullable    = false

  validation {
    # https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_PutRetentionPolicy.html
    condition     = contains([1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 2192, 2557, 2922, 3288, 3653], var.log_retention_days)
    error_message = "log_retention_days must be one of the numbers CloudWatch Logs accepts: 1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 2192, 2557, 2922, 3288, 3653."
  }
}

variable "alarms" {
  description = "Which alarms to make: essential, those with an action in docs/operations.md, fewer than the ten that are free; or all, with each function's errors, throttles and duration, Athena's failures and throttled executions, at $0.10 a month each."
  type        = string
  default     = "essential"
  nullable    = false

  validation {
    condition     = contains(["essential", "all"], var.alarms)
    error_message = "alarms must be essential or all."
  }
}

variable "dashboard_enabled" {
  description = "Whether to make the CloudWatch dashboard, $3 a month after the account's first three. `marketlake console` and `marketlake dashboard` do without it."
  type        = bool
  default     = true
  nullable    = false
}

variable "freshness_hours" {
  description = "Hours without a successful execution after which the freshness alarm goes off. 74 spans a weekend from one evening to the next but one; a lower number would go off each Monday."
  type        = number
  default     = 74
  nullable    = false

  validation {
    condition     = var.freshness_hours >= 1 && var.freshness_hours <= 168 && floor(var.freshness_hours) == var.freshness_hours
    error_message = "freshness_hours must be a whole number from 1 to 168: a CloudWatch alarm on hourly data looks back seven days at most."
  }
}

variable "rejected_rows_threshold" {
  description = "Rejected rows in a day from which on an alarm goes off; only those count that are a large share of a run, or that the look-back of a later day rejects again."
  type        = number
  default     = 1
  nullable    = false

  validation {
    condition     = var.rejected_rows_threshold >= 1 && floor(var.rejected_rows_threshold) == var.rejected_rows_threshold
    error_message = "rejected_rows_threshold must be a whole number, at least 1."
  }
}

variable "athena_failures_threshold" {
  description = "Failed queries of the workgroup in an hour from which on an alarm goes off, with alarms = \"all\". More than one, since an analyst's typing error is a failed query too; the pipeline's own failed query fails its execution, which is mailed at once."
  type        = number
  default     = 3
  nullable    = false

  validation {
    condition     = var.athena_failures_threshold >= 1 && floor(var.athena_failures_threshold) == var.athena_failures_threshold
    error_message = "athena_failures_threshold must be a whole number, at least 1."
  }
}

variable "unauthorized_calls_threshold" {
  description = "Refused API calls in the account in five minutes from which on an alarm goes off."
  type        = number
  default     = 5
  nullable    = false

  validation {
    condition     = var.unauthorized_calls_threshold >= 1 && floor(var.unauthorized_calls_threshold) == var.unauthorized_calls_threshold
    error_message = "unauthorized_calls_threshold must be a whole number, at least 1."
  }
}

variable "trail_enabled" {
  description = "Whether to make a CloudTrail trail with its bucket, log group and alarm. Turn it off where the account has one: the first copy of management events is free, a second costs $2 per 100,000."
  type        = bool
  default     = true
  nullable    = false
}

variable "budget_enabled" {
  description = "Whether to make the monthly budget. Turn it off where someone else owns billing, or where the root user has not opened billing to IAM yet, as in a new account: `make preflight` asks."
  type        = bool
  default     = true
  nullable    = false
}

variable "budget_usd" {
  description = "Monthly budget in dollars; a mail goes out at 80 % forecast and at 100 % actual."
  type        = number
  default     = 10
  nullable    = false

  validation {
    condition     = var.budget_usd >= 1
    error_message = "budget_usd must be at least 1 dollar."
  }
}

variable "budget_tagged_only" {
  description = "Count only costs tagged Stack=<prefix>, for an account with other things in it. Activate Stack as a cost allocation tag first (Billing console), or the budget sees nothing."
  type        = bool
  default     = false
  nullable    = false
}
