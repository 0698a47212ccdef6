# How long things are kept. All days count from when an object was written, not from the day it holds.

variable "raw_expire_days" {
  description = "Days after which raw and quarantined objects are removed."
  type        = number
  default     = 30
  nullable    = false

  validation {
    condition     = var.raw_expire_days >= 1 && floor(var.raw_expire_days) == var.raw_expire_days
    error_message = "raw_expire_days must be a whole number of days, at least 1."
  }
}

variable "clean_transition_days" {
  description = "Days after which clean Parquet objects move to clean_storage_class."
  type        = number
  default     = 90
  nullable    = false

  validation {
    condition     = var.clean_transition_days >= 0 && floor(var.clean_transition_days) == var.clean_transition_days
    error_message = "clean_transition_days must be a whole number of days, 0 or more."
  }
}

variable "clean_expire_days" {
  description = "Days after which a day's clean object (clean/) and the run reports are removed. The day stays in the table by year: history_expire_days."
  type        = number
  default     = 180
  nullable    = false

  validation {
    condition     = var.clean_expire_days > var.clean_transition_days && floor(var.clean_expire_days) == var.clean_expire_days
    error_message = "clean_expire_days must be a whole number of days greater than clean_transition_days: an object cannot be removed before it moves to Glacier."
  }
  validation {
    condition     = var.clean_expire_days > var.raw_expire_days
    error_message = "clean_expire_days must be greater than raw_expire_days: clean data outlives the raw data that it was made from."
  }
}

variable "history_expire_days" {
  description = "0: the tables by year and the markers, which are the archive, are kept for ever. Else days from the last write of a marker, or of a year's object, until it is removed. A year's object is written again with each of its days, so the days of a year go together, this long after the last of them. A day whose marker is gone counts as missing; a backfill loads it again, and keeps its year this long once more."
  type        = number
  default     = 0
  nullable    = false

  validation {
    condition     = var.history_expire_days >= 0 && floor(var.history_expire_days) == var.history_expire_days
    error_message = "history_expire_days must be a whole number of days, or 0 for ever."
  }
  validation {
    condition     = var.history_expire_days == 0 || var.history_expire_days >= var.clean_expire_days
    error_message = "history_expire_days must be 0, for ever, or at least clean_expire_days: the history has the days whose daily objects are gone."
  }
}

variable "clean_storage_class" {
  description = "Storage class for older clean objects. Athena reads GLACIER_IR at once; it silently leaves out what lies in GLACIER or DEEP_ARCHIVE."
  type        = string
  default     = "GLACIER_IR"
  nullable    = false

  validation {
    condition     = contains(["GLACIER_IR", "GLACIER", "DEEP_ARCHIVE"], var.clean_storage_class)
    error_message = "clean_storage_class must be GLACIER_IR (Athena still finds the rows), GLACIER or DEEP_ARCHIVE (Athena does not)."
  }
}

variable "clean_transition_min_bytes" {
  description = "Clean objects up to this size stay in S3 Standard. 0: all move, as asked for. S3 by itself leaves out objects under 131072 bytes, which ours are: see lifecycle.tf for what either choice costs."
  type        = number
  default     = 0
  nullable    = false

  validation {
    condition     = var.clean_transition_min_bytes >= 0 && floor(var.clean_transition_min_bytes) == var.clean_transition_min_bytes
    error_message = "clean_transition_min_bytes must be a whole number of bytes, 0 or more."
  }
}

variable "manifest_expire_days" {
  description = "Days after which the rows and notes that states hand on (manifests/) and the claims of scheduled starts (claims/) are removed. At least as long as an execution may be redriven."
  type        = number
  default     = 14
  nullable    = false

  validation {
    condition     = var.manifest_expire_days >= 1 && floor(var.manifest_expire_days) == var.manifest_expire_days
    error_message = "manifest_expire_days must be a whole number of days, at least 1."
  }
}

variable "results_expire_days" {
  description = "Days after which Athena's query results are removed."
  type        = number
  default     = 1
  nullable    = false

  validation {
    condition     = var.results_expire_days >= 1 && floor(var.results_expire_days) == var.results_expire_days
    error_message = "results_expire_days must be a whole number of days, at least 1."
  }
}

variable "noncurrent_expire_days" {
  description = "Days for which an overwritten or removed object can still be brought back; after that its old versions are deleted and the bucket really gets smaller. marketlake restore finds a year's object that was lost or damaged this long."
  type        = number
  default     = 30
  nullable    = false

  validation {
    condition     = var.noncurrent_expire_days >= 1 && floor(var.noncurrent_expire_days) == var.noncurrent_expire_days
    error_message = "noncurrent_expire_days must be a whole number of days, at least 1."
  }
}

variable "trail_expire_days" {
  description = "Days after which CloudTrail's log files are removed."
  type        = number
  default     = 90
  nullable    = false

  validation {
    condition     = var.trail_expire_days >= 1 && floor(var.trail_expire_days) == var.trail_expire_days
    error_message = "trail_expire_days must be a whole number of days, at least 1."
  }
}

variable "force_destroy" {
  description = "Whether `make destroy` may delete buckets, workgroup and data that are not empty. False: it stops at the first bucket that holds something."
  type        = bool
  default     = false
  nullable    = false
}
