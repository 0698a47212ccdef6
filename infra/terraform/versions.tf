terraform {
  # 1.11: a lock file in S3 (use_lockfile) needs no DynamoDB table; 1.9: a validation may look at other variables.
  required_version = ">= 1.11"

  # Which version exactly, with its checksums, is in .terraform.lock.hcl; `terraform init -upgrade` takes a newer one.
  # From a mirror that adds this machine's checksum only; `terraform providers lock` then adds those of other platforms.
  required_providers {
    aws = {
      source  = "hashicorp/aws"
      version = "~> 5.100"
    }
  }

  # State is a local file unless backend.tf.example is copied to backend.tf: see there.
}
