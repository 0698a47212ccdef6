# What a deployment is: its name, place and people. Storage and monitoring have variable files of their own.

variable "prefix" {
  description = "First part of every name, so that several stacks can share an account. Buckets are called <prefix>-raw-<account>-<region> and so on."
  type        = string
  default     = "marketlake"
  nullable    = false

  validation {
    # 25: the longest bucket name adds "-artifacts-", 12 digits, "-" and a region of 14 characters, and S3 allows 63.
    condition     = can(regex("^[a-z][a-z0-9]*(-[a-z0-9]+)*$", var.prefix)) && length(var.prefix) >= 3 && length(var.prefix) <= 25
    error_message = "prefix must be 3 to 25 lower-case letters, digits and single hyphens, start with a letter and not end with a hyphen: it becomes part of S3 bucket names."
  }
}

variable "region" {
  description = "AWS region of everything. London, since that is where the prices come from; any region with Athena and EventBridge Scheduler will do."
  type        = string
  default     = "eu-west-2"
  nullable    = false

  validation {
    condition     = can(regex("^[a-z]{2}(-gov)?-(central|north|south|east|west|northeast|northwest|southeast|southwest)-[1-9]$", var.region))
    error_message = "region must be an AWS region code such as eu-west-2 or us-east-1."
  }
}

variable "alert_email" {
  description = "Who gets failure mails, alarms and budget warnings. AWS asks this address to confirm the subscription: nothing is mailed before the link in that mail is opened."
  type        = string
  nullable    = false

  validation {
    condition     = can(regex("^[^@[:space:],;<>\"]+@[A-Za-z0-9]([A-Za-z0-9-]*[A-Za-z0-9])?(\\.[A-Za-z0-9]([A-Za-z0-9-]*[A-Za-z0-9])?)+$", var.alert_email))
    error_message = "alert_email must be one e-mail address, such as data-team@example.com."
  }
}

variable "tags" {
  description = "More tags on every resource, beside Project, Stack and ManagedBy."
  type        = map(string)
  default     = {}
  nullable    = false

  validation {
    condition     = length(var.tags) <= 7 && alltrue([for key in keys(var.tags) : length(key) <= 128 && !startswith(lower(key), "aws:")])
    error_message = "tags takes at most 7 tags (an S3 object holds 10, three are ours); keys of at most 128 characters, none starting with aws:."
  }
}

variable "local_endpoint" {
  description = "Address of a local AWS emulator, such as http://127.0.0.1:4566, on which to apply this configuration for a test. Null: the real AWS."
  type        = string
  default     = null

  validation {
    condition     = var.local_endpoint == null || can(regex("^https?://(127\\.0\\.0\\.1|localhost|\\[::1\\])(:[0-9]{1,5})?$", var.local_endpoint))
    error_message = "local_endpoint must be a loopback address with an optional port, such as http://127.0.0.1:4566, or null."
  }
}

variable "package_dir" {
  description = "Folder with packages.json, tables.json and the functions' zips, made by `make package`; a relative path starts at infra/terraform/."
  type        = string
  default     = "../../build/packages"
  nullable    = false

  validation {
    condition     = var.package_dir != "" && !endswith(var.package_dir, "/")
    error_message = "package_dir must be a folder, without a slash at the end."
  }
}

variable "lambda_runtime" {
  description = "Lambda runtime of all functions. provided.al2023 is for zips that bring a bootstrap file, as those for the local AWS emulator do."
  type        = string
  default     = "python3.13"
  nullable    = false

  validation {
    condition     = can(regex("^(python3\\.1[1-9]|provided\\.al2023)$", var.lambda_runtime))
    error_message = "lambda_runtime must be python3.11 or later (the one the packages were built for), or provided.al2023."
  }
}

variable "constituents_file" {
  description = "CSV of the tickers to fetch: ticker,company,sector,currency,valid_from,valid_to. A list of your own takes the place of the FTSE 100 here; a relative path starts at infra/terraform/."
  type        = string
  default     = "../../functions/marketlake/contracts/constituents.csv"
  nullable    = false

  validation {
    condition     = can(regex("(?i)\\.csv$", var.constituents_file)) && try(startswith(split("\n", file(var.constituents_file))[0], "ticker,"), false)
    error_message = "constituents_file must be an existing .csv file whose header starts with ticker, (see functions/marketlake/contracts/constituents.csv)."
  }

  validation {
    condition = try(alltrue([
      for row in csvdecode(file(var.constituents_file)) : contains(["", "GBP", "EUR", "USD"], trimspace(try(row.currency, "")))
    ]), false)
    error_message = "constituents_file has a currency that functions/marketlake/contracts/ftse100_prices.json does not know: ${try(join("; ", [for place, row in csvdecode(file(var.constituents_file)) : "line ${place + 2}: ${row.currency}" if !contains(["", "GBP", "EUR", "USD"], trimspace(try(row.currency, "")))]), "no CSV")}. Accepted are EUR, GBP and USD, or nothing."
  }
}

variable "parameters" {
  description = "Replacements for values of statemachine/parameters.json: retry intervals, concurrency, sources' addresses, base currency, log level."
  type        = map(string)
  default     = {}
  nullable    = false

  validation {
    condition     = length(setsubtract(keys(var.parameters), keys(jsondecode(file("${path.module}/../../statemachine/parameters.json"))))) == 0
    error_message = "parameters may name only keys of statemachine/parameters.json."
  }

  validation {
    condition     = alltrue([for name, value in var.parameters : can(regex("^https?://[A-Za-z0-9.-]+(:[0-9]{1,5})?(/[A-Za-z0-9._~/-]*)?$", value)) if endswith(name, "_base_url")])
    error_message = "The sources' addresses in parameters must be http or https URLs without user, query or fragment, such as https://mirror.example.com/yahoo."
  }

  validation {
    condition     = try(tonumber(var.parameters.requests_per_second) >= 0, !contains(keys(var.parameters), "requests_per_second"))
    error_message = "requests_per_second in parameters must be a number of charts that Yahoo is asked for in a second, such as 2.5, or 0 for no limit."
  }

  validation {
    # No user and password: Lambda's environment is not a place for secrets.
    condition     = contains(["", null], try(var.parameters.upstream_proxy, "")) || can(regex("^https?://[A-Za-z0-9.-]+:[0-9]{1,5}/?$", var.parameters.upstream_proxy))
    error_message = "upstream_proxy in parameters must be a proxy's http or https URL with its port and without user and password, such as http://proxy.example.com:3128, or empty."
  }
}

variable "schedule_enabled" {
  description = "Whether the daily run starts by itself, in the evening and in the morning."
  type        = bool
  default     = true
  nullable    = false
}

variable "schedule_expression" {
  description = "When the daily run starts, in schedule_timezone. The default is a quarter of an hour after both sources have published: the ECB about 16:00 in Frankfurt, Yahoo the London close by 18:30."
  type        = string
  default     = "cron(45 18 ? * MON-FRI *)"
  nullable    = false

  validation {
    # https://docs.aws.amazon.com/scheduler/latest/UserGuide/schedule-types.html
    # Six fields, and exactly one of day-of-month and day-of-week is a question mark.
    condition = anytrue([
      can(regex("^rate\\((1 (minute|hour|day)|([2-9]|[1-9][0-9]+) (minutes|hours|days))\\)$", var.schedule_expression)),
      can(regex("^cron\\(([0-5]?[0-9]|\\*|[0-5]?[0-9]([,-][0-5]?[0-9])+|(\\*|[0-5]?[0-9])/[1-9][0-9]?) (2[0-3]|[01]?[0-9]|\\*|(2[0-3]|[01]?[0-9])([,-](2[0-3]|[01]?[0-9]))+|(\\*|2[0-3]|[01]?[0-9])/[1-9][0-9]?) (\\? (\\*|[0-9A-Z,/-]+) (\\*|[0-9A-Z,#L-]+)|(\\*|[0-9LW,/-]+) (\\*|[0-9A-Z,/-]+) \\?) (\\*|[0-9]{4}([,/-][0-9]{1,4})*)\\)$", var.schedule_expression)),
    ])
    error_message = "schedule_expression must be rate(N minutes|hours|days) or cron(minutes hours day-of-month month day-of-week year) with six fields, of which day-of-month or day-of-week, and not both, is ?. Example: cron(45 18 ? * MON-FRI *)."
  }
}

variable "morning_run_at" {
  description = "When the run of the next morning starts, Tuesday to Saturday, in schedule_timezone: it takes in the bars that Yahoo settled overnight and what the evening did not get, and is quiet where nothing is new. Null: none."
  type        = string
  default     = "06:30"

  validation {
    condition     = var.morning_run_at == null || can(regex("^([01][0-9]|2[0-3]):[0-5][0-9]$", var.morning_run_at))
    error_message = "morning_run_at must be a time of day such as 06:30, or null for no run in the morning."
  }
}

variable "schedule_timezone" {
  description = "Time zone of schedule_expression and morning_run_at; summer time is followed."
  type        = string
  default     = "Europe/London"
  nullable    = false

  validation {
    condition     = can(regex("^(UTC|[A-Z][A-Za-z]+(/[A-Z][A-Za-z_+-]+){1,2})$", var.schedule_timezone))
    error_message = "schedule_timezone must be a name of the IANA time zone database, such as Europe/London or UTC."
  }
}

variable "athena_bytes_cutoff" {
  description = "Most bytes that one Athena query may scan, at $5 a terabyte. The whole lake is some tens of megabytes."
  type        = number
  default     = 1073741824
  nullable    = false

  validation {
    condition     = var.athena_bytes_cutoff >= 10485760 && floor(var.athena_bytes_cutoff) == var.athena_bytes_cutoff
    error_message = "athena_bytes_cutoff must be a whole number of bytes, at least 10485760 (10 MB, Athena's own minimum)."
  }
}

variable "quicksight_user" {
  description = "Name of the QuickSight user (as in the QuickSight console, default namespace) who will own data source, data sets and dashboard. Null, the default, makes none of it: QuickSight costs from $24 a month for an author, more than all the rest. Subscribe first, and give QuickSight the four buckets: docs/operations.md."
  type        = string
  default     = null

  validation {
    condition     = var.quicksight_user == null || can(regex("^[A-Za-z0-9+=,.@_/-]{1,128}$", var.quicksight_user))
    error_message = "quicksight_user must be a QuickSight user name: at most 128 letters, digits and + = , . @ _ / -."
  }
}

variable "quicksight_identity_region" {
  description = "Region that QuickSight keeps the account's users in, chosen when the account subscribed: the region in the user's ARN, whatever region the stack is in."
  type        = string
  default     = "us-east-1"
  nullable    = false

  validation {
    condition     = can(regex("^[a-z]{2}(-gov)?-(central|north|south|east|west|northeast|northwest|southeast|southwest)-[1-9]$", var.quicksight_identity_region))
    error_message = "quicksight_identity_region must be an AWS region code such as us-east-1: the one in the ARN that `aws quicksight describe-user` prints."
  }
}

# GitHub Actions: github.tf.

variable "github_repository" {
  description = "owner/name of the GitHub repository whose workflows may plan and deploy. Null, the default, makes no roles for GitHub."
  type        = string
  default     = null

  validation {
    condition     = var.github_repository == null || can(regex("^[A-Za-z0-9][A-Za-z0-9-]{0,38}/[A-Za-z0-9._-]{1,100}$", var.github_repository))
    error_message = "github_repository must be owner/name, such as octocat/marketlake."
  }
}

variable "github_repository_id" {
  description = "GitHub's number of the repository, which a token's subject names beside github_repository. Required with it; `gh api repos/OWNER/NAME --jq .id` prints it."
  type        = number
  default     = null

  validation {
    condition     = var.github_repository == null || try(var.github_repository_id >= 1 && floor(var.github_repository_id) == var.github_repository_id, false)
    error_message = "github_repository_id must be the repository's number when github_repository is set: `gh api repos/OWNER/NAME --jq .id` prints it."
  }
}

variable "github_owner_id" {
  description = "GitHub's number of the repository's owner, a person or an organisation. Required with github_repository; `gh api repos/OWNER/NAME --jq .owner.id` prints it."
  type        = number
  default     = null

  validation {
    condition     = var.github_repository == null || try(var.github_owner_id >= 1 && floor(var.github_owner_id) == var.github_owner_id, false)
    error_message = "github_owner_id must be the number of the repository's owner when github_repository is set: `gh api repos/OWNER/NAME --jq .owner.id` prints it."
  }
}

variable "github_environment" {
  description = "The protected GitHub environment from which alone the deploy role can be taken."
  type        = string
  default     = "production"
  nullable    = false

  validation {
    condition     = can(regex("^[A-Za-z0-9._-]{1,255}$", var.github_environment))
    error_message = "github_environment must be the name of a GitHub environment: letters, digits, dots, hyphens and underscores."
  }
}

variable "github_oidc_provider_exists" {
  description = "True where the account already has GitHub's OIDC provider: there can be only one."
  type        = bool
  default     = false
  nullable    = false
}

variable "state_bucket" {
  description = "Bucket of the remote state, which GitHub's roles need to read and write. Required with github_repository."
  type        = string
  default     = null

  validation {
    condition     = var.github_repository == null || can(regex("^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$", var.state_bucket))
    error_message = "state_bucket must name an S3 bucket when github_repository is set: a workflow cannot work from a local state."
  }
}
