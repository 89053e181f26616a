// Package s3guard refuses stale tokens at S3, and at stores that take the same headers, as plain values: it links no AWS SDK.
//
// S3 can make a write depend on one thing only: on what the object was when it was read (If-Match with its ETag), or on its not being there (If-None-Match: *). It cannot compare numbers. So the
// token lies in the object, whoever writes reads first, [Next] compares, and the condition makes sure that what was compared is what is replaced:
//
//	object, err := s3guard.Open(etag, body)    // or s3guard.Absent
//	put, err := object.Next(fence, newContent) // *guard.StaleError if the object has seen a newer token
//	// PutObject with put.Body and put.IfMatch or put.IfNoneMatch
//	// status 412, or 409: somebody wrote meanwhile; read and begin anew
//
// A holder that was stopped between its reading and its writing is refused, since its successor's write changed the ETag. One that reads after its successor wrote is refused by Next.
//
// # Why the token is in the content and not in the metadata
//
// An object's ETag says nothing of its metadata. Let the content be X under token 32. The holder of 34 writes X again, with 34 in the metadata. The ETag is the same as before, and the holder of 33, who read
// under 32, still passes If-Match. Therefore [Object.Next] puts a line with the token before the content, which changes the ETag with each new token.
//
// # What S3 cannot do
//
//   - Two objects: a decision that rests on one object and is written into another is not protected. Keep what belongs together in one object, for instance as a small object that names the
//     others: write big content under a key that nobody else uses, and then its key into the guarded object.
//   - Before the new holder's first write its predecessor's still pass, as with every mark. [Object.Enter] is that first write.
//   - Deleting: with the object its mark is gone. Write an empty content instead.
//   - Writers that do not send the condition overwrite everything. A bucket policy with the condition keys s3:if-match and s3:if-none-match can demand it.
package s3guard
