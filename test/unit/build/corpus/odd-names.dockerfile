FROM localhost:5000/a/b-c_d.e:Tag_1.2-3 AS x.y-z_1
FROM example.com/UPPER/case AS q
FROM [::1]:5000/a
