"""Buckets in templates: their settings, and functions and queues that they tell."""

import json

from conftest import eventually

TEMPLATE = """
Transform: AWS::Serverless-2016-10-31
Resources:
  Uploads:
    Type: AWS::S3::Bucket
    Properties:
      VersioningConfiguration: {Status: Enabled}
      Tags: [{Key: team, Value: x}]
      BucketEncryption: {ServerSideEncryptionConfiguration: [{ServerSideEncryptionByDefault: {SSEAlgorithm: AES256}}]}
      CorsConfiguration: {CorsRules: [{AllowedMethods: [GET], AllowedOrigins: ['*'], MaxAge: 5}]}
      LifecycleConfiguration: {Rules: [{Id: r, Status: Enabled, ExpirationInDays: DAYS, Prefix: logs/}]}
      PublicAccessBlockConfiguration: {BlockPublicAcls: false}
  Access:
    Type: AWS::S3::BucketPolicy
    Properties:
      Bucket: !Ref Uploads
      PolicyDocument:
        Version: '2012-10-17'
        Statement: [{Effect: Allow, Principal: '*', Action: 's3:GetObject', Resource: !Sub '${Uploads.Arn}/*'}]
  Copier:
    Type: AWS::Serverless::Function
    Properties:
      Runtime: python3.11
      Handler: app.handler
      CodeUri: src
      Policies: [{S3CrudPolicy: {BucketName: any}}]
      Events:
        Put:
          Type: S3
          Properties:
            Bucket: !Ref Uploads
            Events: s3:ObjectCreated:*
            Filter: {S3Key: {Rules: [{Name: prefix, Value: in/}]}}
Outputs:
  Bucket: {Value: !Ref Uploads}
  Arn: {Value: !GetAtt Uploads.Arn}
  Domain: {Value: !GetAtt Uploads.RegionalDomainName}
"""

# Boto3 is not in the function: it speaks to its door with plain HTTP.
CODE = """
import http.client, os, urllib.parse
def handler(event, context):
    record = event["Records"][0]["s3"]
    bucket, key = record["bucket"]["name"], record["object"]["key"]
    endpoint = urllib.parse.urlsplit(os.environ["AWS_ENDPOINT_URL"])
    def send(method, path, body=None):
        connection = http.client.HTTPConnection(endpoint.hostname, endpoint.port)
        connection.request(method, path, body, {"Host": f"s3.localhost:{endpoint.port}"})
        answer = connection.getresponse()
        return answer.status, answer.read()
    status, body = send("GET", f"/{bucket}/{key}")
    send("PUT", f"/{bucket}/out/copy", body.upper())
"""


def test_a_bucket_and_a_function_that_it_tells(application, aws):
    s3 = aws("s3")
    app = application({"template.yaml": TEMPLATE.replace("DAYS", "3"), "src/app.py": CODE})
    app.deploy()
    bucket = app.outputs["Bucket"]
    assert app.outputs["Arn"] == f"arn:aws:s3:::{bucket}"
    assert app.outputs["Domain"].startswith(f"{bucket}.s3.us-east-1.")
    assert s3.get_bucket_versioning(Bucket=bucket)["Status"] == "Enabled"
    assert {"Key": "team", "Value": "x"} in s3.get_bucket_tagging(Bucket=bucket)["TagSet"]
    assert s3.get_bucket_cors(Bucket=bucket)["CORSRules"][0]["MaxAgeSeconds"] == 5
    rule = s3.get_bucket_lifecycle_configuration(Bucket=bucket)["Rules"][0]
    assert (rule["Expiration"], rule["Filter"]) == ({"Days": 3}, {"Prefix": "logs/"})
    assert json.loads(s3.get_bucket_policy(Bucket=bucket)["Policy"])["Statement"][0]["Resource"] == f"arn:aws:s3:::{bucket}/*"
    s3.put_object(Bucket=bucket, Key="in/text", Body=b"hello")
    eventually(lambda: s3.list_objects_v2(Bucket=bucket, Prefix="out/")["KeyCount"], timeout=30)
    assert s3.get_object(Bucket=bucket, Key="out/copy")["Body"].read() == b"HELLO"
    app.write({"template.yaml": TEMPLATE.replace("DAYS", "4")})
    app.deploy()
    assert s3.get_bucket_lifecycle_configuration(Bucket=bucket)["Rules"][0]["Expiration"] == {"Days": 4}
    # A bucket that holds something stays.
    assert app.delete(check=False).returncode != 0
    versions = s3.list_object_versions(Bucket=bucket)["Versions"]
    objects = [{"Key": entry["Key"], "VersionId": entry["VersionId"]} for entry in versions]
    s3.delete_objects(Bucket=bucket, Delete={"Objects": objects})
    app.delete()
    assert bucket not in [entry["Name"] for entry in s3.list_buckets()["Buckets"]]
