variable "github_repository" {
  description = "owner/name of the GitHub repository whose workflows may plan and deploy. Null, the default, makes no roles for GitHub."
  type        = string
  default     = null

  validation {
    condition     = var.github_repository == null || can(regex("^[A-Za-z0-9][A-Za-z0-9-]{0,38}/[A-Za-z0-9._-]{1,100}$", var.github_repository))
    error_message = "github_repository must be owner/name, such as octocat/marketlake."
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
