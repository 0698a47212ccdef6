terraform {
  # 1.11: a lock file in S3 (use_lockfile) needs no DynamoDB table; 1.9: a validation may look at other variables.
  required_version = ">= 1.11"

  required_providers {
    aws = {
      source  = "hashicorp/aws"
      version = "~> 5.100"
    }
  }

  # State is a local file unless backend.tf.example is copied to backend.tf: see there.
}
